import type { ShardReport } from '../../src/core/shard-protocol.ts';
import { newShardTally } from '../../src/workflows/tally.ts';

/** Of a shard with two prompts in progress that has spent nothing, and whatever a test wants otherwise. */
export const sampleAccount = (facts: Partial<ShardReport> = {}): ShardReport => ({
  ...{ execution: 1, loan: 1, returnedSlots: 0, returnedNanoUsd: 0, spentBeforeNanoUsd: 0, spentNanoUsd: 0 },
  ...{ reservedNanoUsd: 0, running: 2, dry: false, wants: null, tally: newShardTally(), halt: null },
  ...facts,
});
