/** The output folder or a batch in it is not what was expected; the message says what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What the user may choose instead, or do about it. */
export const cannotWrite = (outputDir: string, cause: unknown): StoreError =>
  new StoreError(
    `cannot write to the output folder ${outputDir}: ${messageOf(cause)}. ` +
      'Choose a folder you may write to with --output-dir, or make room on its disk.',
    { cause },
  );
