/** What the system refused, in words. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'your share of the disk is used up',
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'it, or a part of its path, is a file where a folder was expected',
  EISDIR: 'it is a folder where a file was expected',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open on this machine',
  EIO: 'its disk has failed',
};

const verbs: Readonly<Record<string, string>> = {
  open: 'be opened',
  mkdir: 'be made',
  scandir: 'be listed',
  rename: 'be renamed',
  unlink: 'be removed',
  write: 'be written',
  read: 'be read',
  fsync: 'be written for good',
};

/** One sentence for an error of a file operation, with what to do; `null` where the error is none. */
export function systemErrorText(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  const reason = code === undefined ? undefined : reasons[code];
  if (reason === undefined || path === undefined) return null;
  return (
    `${path} cannot ${verbs[syscall ?? ''] ?? 'be used'}: ${reason} (${code}). Put that right, or choose another folder: ` +
    '--output-dir names that of the results, DURABATCH_HOME that of the state'
  );
}
