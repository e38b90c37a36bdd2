/** Whether a batch is being worked on through another Temporal server: neither would know what the other one buys. */
import { readdir, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import type { BatchStore } from '../store/batch-store.ts';
import type { ManifestRun } from '../store/manifest.ts';
import { isProvenDead, workerIdentity } from '../worker-identity.ts';
import { ledgerOwner, toFileName } from './locate-batch.ts';
import { UsageError } from './options/usage-error.ts';

/** What nobody can prove dead, as it is of another machine, is taken for alive for as long after it has been heard of. */
const HEARD_OF_MS = 120_000;

/** `pid_host_start_scope-random.jsonl`: see `ledgerOwner`. Only on Linux does it tell start and scope. */
const LEDGER_FILE =
  /^(?<pid>\d+)_(?<host>.+)_(?<start>\d+-[\da-f]{8})_(?<scope>[\da-f]{8}-\d+)-[\da-f]{8}\.jsonl$/;

/** Throws {@link UsageError} where the newest run was started through another server than `serverId`, and somebody may be on it. */
export async function assertNobodyElsewhere(
  store: BatchStore,
  run: ManifestRun | undefined,
  serverId: string,
): Promise<void> {
  if (!run || run.outcome || run.server === undefined || run.server === serverId) return;
  const who = (await livingStarter(run)) ?? (await livingWriter(store));
  if (who === null) return;
  throw new UsageError(
    `${store.batchId} is being worked on through another Temporal server, by ${who}: two would buy the same answers twice. ` +
      'Nothing was started. End that one first (Ctrl-C there loses nothing), or use its server: the same DURABATCH_HOME or TEMPORAL_ADDRESS.',
  );
}

async function livingStarter({ starter, started_at: startedAt }: ManifestRun): Promise<string | null> {
  if (starter === undefined || starter === workerIdentity()) return null;
  const [name = ''] = starter.split('/');
  const isHere = name.endsWith(`@${hostname()}`);
  const isAlive = isHere ? !isProvenDead(starter) : Date.now() - Date.parse(startedAt) < HEARD_OF_MS;
  return isAlive ? `process ${name}` : null;
}

async function livingWriter({ folder }: BatchStore): Promise<string | null> {
  const ledger = join(folder, 'ledger');
  const files = await readdir(ledger, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const own = `${ledgerOwner()}-`;
  for (const file of files.filter((name) => name.endsWith('.jsonl'))) {
    const name = basename(file);
    if (name.startsWith(own)) continue;
    const { pid, host, start, scope } = LEDGER_FILE.exec(name)?.groups ?? {};
    const isHere = host === toFileName(hostname());
    const isAlive = isHere
      ? !isProvenDead(`${pid}@${hostname()}/${start}/${scope}`)
      : Date.now() - (await stat(join(ledger, file))).mtimeMs < HEARD_OF_MS;
    if (isAlive)
      return pid
        ? `process ${pid} on ${isHere ? hostname() : host}`
        : 'a process that has just written to it';
  }
  return null;
}
