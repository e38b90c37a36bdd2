import type { BatchState } from '../core/progress.ts';
import type { PriceTable } from '../prices/price-table.ts';
import type { Manifest } from '../store/manifest/manifest.ts';
import type { PromptOutcome } from '../store/ledger/outcome.ts';
import type { OpenRun } from '../store/manifest/run-times.ts';
import type { Tally } from './tally/tally.ts';

/** All that the reports are made of. */
export interface ReportSource {
  manifest: Manifest;
  /** Anything but a final state makes the report partial. */
  state: BatchState;
  /** The state as the outcomes have it, from their totals. Default: `state`. */
  stateOf?(tally: Tally): BatchState;
  /** The run that is open, or that ends with this report, and its end; `null` where the manifest tells all ends. */
  open: OpenRun | null;
  /** Names the files (in UTC) and is the summary's `timestamp`. */
  timestamp: Date;
  /** The table that the newest run began with; `null` or left out: none was kept. */
  priceTable?: PriceTable | null;
  /** In input order; texts are read as it goes. Asked for once: everything a report says comes from one pass. */
  outcomes(): AsyncIterable<PromptOutcome>;
}
