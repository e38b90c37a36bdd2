import { cpus, release, totalmem, type as systemType } from 'node:os';

/** One line: what figures were measured on. */
export function machineText(): string {
  const processors = cpus();
  const memoryGb = Math.round(totalmem() / 2 ** 30);
  return `${processors.length} × ${processors[0]?.model.trim()}, ${memoryGb} GB, ${systemType()} ${release()}, Node ${process.versions.node}`;
}
