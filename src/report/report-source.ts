import type { BatchState } from '../contract.ts';
import type { PriceTable } from '../prices/price-table.ts';
import type { Manifest } from '../store/manifest.ts';
import type { PromptOutcome } from '../store/outcome.ts';

/** All that the reports are made of. */
export interface ReportSource {
  manifest: Manifest;
  /** Anything but a final state makes the report partial. */
  state: BatchState;
  /** Sum over the batch's runs. */
  durationSeconds: number;
  /** Names the files (in UTC) and is the summary's `timestamp`. */
  timestamp: Date;
  /** The table that the newest run began with; `null` or left out: none was kept. */
  priceTable?: PriceTable | null;
  /** In input order, each call from the start; texts are read as it goes. */
  outcomes(): AsyncIterable<PromptOutcome>;
}
