/**
 * Types of the failures that this tool's processes send each other through Temporal. The types that a prompt can
 * end with in the ledger and in reports are in `receipt.ts`.
 */
export const failureTypes = {
  /** A prompt waits for its account's next permits. */
  accountTurn: 'Account.Turn',
  /** An activity was asked for by no workflow of the batch, or with arguments of another form. */
  activityRefused: 'Activity.Refused',
  /** Somebody else has added prompts meanwhile: those of this addition have to be checked again. */
  additionOvertaken: 'Addition.Overtaken',
  /** A provider charged more than a request can cost. */
  overcharged: 'Batch.Overcharged',
  /** An error that has no type of its own. */
  unexpected: 'Batch.Unexpected',
  /** A prompt's request is under way in another process. */
  underWayElsewhere: 'Request.Elsewhere',
  /** A prompt waits with all others, as the provider refused one. */
  heldBack: 'Request.HeldBack',
  /** The run of a shard's batch is over, and has not ended the shard: the batch was reset. */
  orphanedShard: 'Shard.Orphaned',
  storage: 'Storage.Failed',
  workerDied: 'Worker.Died',
  /** A prompt waits for a free slot of its worker's process. */
  workerFull: 'Worker.Full',
  workerStopping: 'Worker.Stopping',
} as const;

/** Types of the failures by which a batch refuses an Update. */
export const refusals = {
  ended: 'Batch.Ended',
  cancelling: 'Batch.Cancelling',
  /** Its report is being written. */
  ending: 'Batch.Ending',
  paused: 'Batch.AlreadyPaused',
  notPaused: 'Batch.NotPaused',
  /** The arguments are not what they should be. */
  invalid: 'Batch.InvalidArgument',
} as const;

export type Refusal = (typeof refusals)[keyof typeof refusals];
