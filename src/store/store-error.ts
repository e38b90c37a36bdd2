import { UnfitFileError } from '../system/files/regular-file.ts';

/** The output folder or a batch in it is not what was expected; the message says what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

/** Whether what lies in a batch's folder is at fault, or may not be read: a file of another form, kind or owner. */
export const isFolderFault = (error: unknown): error is Error =>
  error instanceof StoreError ||
  error instanceof UnfitFileError ||
  (error instanceof Error && (error as NodeJS.ErrnoException).path !== undefined);

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What the user may choose instead, or do about it. */
export const cannotWrite = (outputDir: string, cause: unknown): StoreError =>
  new StoreError(
    `cannot write to the output folder ${outputDir}: ${messageOf(cause)}. ` +
      'Choose a folder you may write to with --output-dir, or make room on its disk.',
    { cause },
  );
