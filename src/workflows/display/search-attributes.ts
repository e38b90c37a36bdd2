/** What batches are found by in Temporal's lists, where the server has these search attributes. */
import type { SearchAttributePair, SearchAttributeUpdatePair } from '@temporalio/common';
import type { BatchInput } from '../../core/batch-input.ts';
import type { Progress } from '../../core/progress.ts';
import { summaryText } from './web-ui.ts';

export const searchAttributes = {
  BatchState: { name: 'BatchState', type: 'KEYWORD' },
  BatchProvider: { name: 'BatchProvider', type: 'KEYWORD' },
  BatchModel: { name: 'BatchModel', type: 'KEYWORD' },
  /** US dollars; unset where the cost is not known. */
  BatchCostUsd: { name: 'BatchCostUsd', type: 'DOUBLE' },
  /** Failed prompts. */
  BatchFailed: { name: 'BatchFailed', type: 'INT' },
  /** The hash over a batch's requests, with its version. A server may have the others and not this one. */
  BatchHash: { name: 'BatchHash', type: 'KEYWORD' },
} as const;

const { BatchHash: _, ...shown } = searchAttributes;
/** Those that show how a batch stands. */
export const displayAttributes = Object.values(shown);

/** Of a run that has not begun. */
export const firstAttributes = ({ settings: { request }, pause }: BatchInput): SearchAttributePair[] => [
  { key: searchAttributes.BatchState, value: pause ? 'paused' : 'running' },
  { key: searchAttributes.BatchProvider, value: request.provider },
  { key: searchAttributes.BatchModel, value: summaryText(request.model) },
  { key: searchAttributes.BatchCostUsd, value: 0 },
  { key: searchAttributes.BatchFailed, value: 0 },
];

/** Those that change as a batch goes on. */
export const presentAttributes = ({ state, paid, counts }: Progress): SearchAttributeUpdatePair[] => [
  { key: searchAttributes.BatchState, value: state },
  {
    key: searchAttributes.BatchCostUsd,
    value: paid.costNanoUsd === null ? null : paid.costNanoUsd / 1e9,
  },
  { key: searchAttributes.BatchFailed, value: counts.failed },
];
