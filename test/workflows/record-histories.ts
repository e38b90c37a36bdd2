/**
 * Writes `test/histories/*.json`: `npm run record-histories [name…]`. Takes a minute, most of it for a
 * grace that runs out. Before the first release a recording may be renewed together with the change that
 * needs it; after it, a replay that fails means `patched()` or a new workflow type.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { shardIdOf } from '../../src/core/shard-range.ts';
import { batchInput, startWorkflowHarness } from '../support/workflow-harness.ts';
import { historyShapes } from './history-shapes.ts';

const folder = fileURLToPath(new URL('../histories', import.meta.url));
const names = process.argv.slice(2);
const shapes = historyShapes().filter(({ name }) => names.length === 0 || names.includes(name));
if (shapes.length === 0) throw new Error(`no history is called ${names.join(' or ')}`);

/** Stacks name folders of this machine, and nothing replays them. */
const withoutStacks = (key: string, value: unknown): unknown => (key === 'stackTrace' ? undefined : value);

await mkdir(folder, { recursive: true });
// A batch of many shards continues as new after a handful of them.
const harness = await startWorkflowHarness({ 'limit.historyCount.suggestContinueAsNew': 100 });
const ends: (() => Promise<void>)[] = [];
try {
  await Promise.all(
    shapes.map(async ({ name, activities, options, drive, shard }) => {
      const batch = await harness.run({ after: (end) => ends.push(end) }, activities, {
        id: name,
        ...options,
      });
      await drive?.(batch);
      // Cancelled ones reject here: that is their end.
      await batch.result().catch(() => undefined);
      const { workflowId, firstExecutionRunId } = batch.handle;
      const recorded =
        shard === undefined
          ? harness.client.workflow.getHandle(workflowId, firstExecutionRunId)
          : harness.client.workflow.getHandle(shardIdOf(batchInput(workflowId, activities.script), shard));
      const history = JSON.parse(historyToJSON(await recorded.fetchHistory()), withoutStacks);
      await writeFile(join(folder, `${name}.json`), `${JSON.stringify(history, null, 1)}\n`);
      console.log(`${name}: ${history.events.length} events`);
    }),
  );
} finally {
  await Promise.all(ends.map((end) => end()));
  await harness.stop();
}
