/** Whether a batch is being worked on through another Temporal server: neither would know what the other one buys. */
import { readdir, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchStore } from '../../store/batch-store.ts';
import type { ManifestRun } from '../../store/manifest/manifest.ts';
import { readWorkerRecords } from '../../store/workers/worker-records.ts';
import { WorkerWatch } from '../../store/workers/worker-watch.ts';
import { pidVerdict, processNameOf, toFileName, workerIdentity } from '../../system/worker-identity.ts';
import { LAPSE_MS } from '../../core/lapse.ts';
import { ledgerOwner } from '../find/locate-batch.ts';
import { UsageError } from '../usage-error.ts';

/** A process of another machine that has no liveness record is taken for alive for as long after it has been heard of. */
const HEARD_OF_MS = 120_000;
const LOOK_MS = 1000;

/** `pid_host_start_scope-random.jsonl`: see `ledgerOwner`. Older versions tell start and scope on Linux only. */
const LEDGER_FILE =
  /^(?<pid>\d+)_(?<host>.+)_(?<start>\d+(?:-[\da-f]{8})?)_(?<scope>[\da-f]{8}-\d+|[a-z\d]+-[\da-f]{8})-[\da-f]{8}\.jsonl$/;

/**
 * Throws {@link UsageError} where the newest run was started through another server than `serverId`, and somebody may be
 * on it. A worker of another machine is watched until its record moves, or for the lapse.
 */
export async function assertNobodyElsewhere(
  store: BatchStore,
  run: ManifestRun | undefined,
  serverId: string,
  lapseMs = LAPSE_MS,
): Promise<void> {
  if (!run || run.outcome || run.server === undefined || run.server === serverId) return;
  const records = (await readWorkerRecords(store.folder)) ?? [];
  const recorded = new Set(records.map(({ owner }) => owner));
  const who =
    (await livingWorker(store, lapseMs)) ??
    (await livingStarter(run, recorded)) ??
    (await livingWriter(store, recorded));
  if (who === null) return;
  throw new UsageError(
    `${store.batchId} is being worked on through another Temporal server, by ${who}: two would buy the same answers twice. ` +
      'Nothing was started. End that one first (Ctrl-C there loses nothing), or use its server: the same DURABATCH_HOME or TEMPORAL_ADDRESS.',
  );
}

/** One whose liveness record is renewed, or whose process lives on this machine. */
async function livingWorker({ folder }: BatchStore, lapseMs: number): Promise<string | null> {
  const watch = new WorkerWatch({ batchFolder: folder, lapseMs });
  await watch.look();
  const others = () => watch.peers().filter(({ worker }) => worker !== workerIdentity());
  const sizes = new Map(others().map(({ record, size }) => [record, size]));
  for (;;) {
    const alive = others().filter(({ isAlive }) => isAlive);
    const sure = alive.find(
      ({ record, size, worker }) => size !== sizes.get(record) || pidVerdict(worker ?? '') === 'alive',
    );
    if (sure)
      return sure.worker === null ? 'a worker on another machine' : `process ${processNameOf(sure.worker)}`;
    if (alive.length === 0) return null;
    await sleep(LOOK_MS);
    await watch.look();
  }
}

/** Where the process table cannot tell, as of another machine or an earlier boot, by when it was heard of: ms since 1970. */
function isTakenForAlive(identity: string, heardOfAt: number): boolean {
  const byPid = pidVerdict(identity);
  return byPid === 'unknown' ? Date.now() - heardOfAt < HEARD_OF_MS : byPid === 'alive';
}

/** Of a process that has a record, that record tells more. */
async function livingStarter(
  { starter, started_at: startedAt }: ManifestRun,
  recorded: ReadonlySet<string>,
): Promise<string | null> {
  if (starter === undefined || starter === workerIdentity() || recorded.has(toFileName(starter))) return null;
  return isTakenForAlive(starter, Date.parse(startedAt)) ? `process ${processNameOf(starter)}` : null;
}

async function livingWriter({ folder }: BatchStore, recorded: ReadonlySet<string>): Promise<string | null> {
  const ledger = join(folder, 'ledger');
  const files = await readdir(ledger, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const own = `${ledgerOwner()}-`;
  for (const file of files.filter((name) => name.endsWith('.jsonl'))) {
    const name = basename(file);
    if (name.startsWith(own) || recorded.has(name.replace(/-[\da-f]{8}\.jsonl$/, ''))) continue;
    const { pid, host, start, scope } = LEDGER_FILE.exec(name)?.groups ?? {};
    const isHere = host === toFileName(hostname());
    const identity = isHere ? `${pid}@${hostname()}/${start}/${scope}` : '';
    if (isTakenForAlive(identity, (await stat(join(ledger, file))).mtimeMs))
      return pid
        ? `process ${pid} on ${isHere ? hostname() : host}`
        : 'a process that has just written to it';
  }
  return null;
}
