/**
 * A process that has given no sign of life for so long counts as dead: to Temporal (heartbeats of its activities) and to
 * the other workers of its batch (its liveness record, `worker-pulse.ts`). One rule, so that the two do not disagree for long.
 */
export const LAPSE_MS = 30_000;
