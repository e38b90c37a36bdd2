/** The registered workflow types, and nothing else. */
export { promptBatch } from './prompt-batch.ts';
