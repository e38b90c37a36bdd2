/** What a process does for its batches' accounts: works on the accounts' workflows, and asks them. */
import { Client, WithStartWorkflowOperation } from '@temporalio/client';
import { type NativeConnection, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { abortableSleep } from '../system/abortable-sleep.ts';
import type { providerAccount } from '../workflows/index.ts';
import { leaseUpdate, returnLeaseUpdate } from '../workflows/account/account-messages.ts';
import {
  accountTaskQueue,
  accountWorkflowId,
  type Lease,
  type LeaseHolder,
  type LeaseRequest,
} from '../core/lease.ts';

const ASK_DEADLINE_MS = 4000;
const RETURN_DEADLINE_MS = 1000;
const WORKER_AGAIN_MS = 1000;

export interface AccountWorkerOptions {
  connection: NativeConnection;
  namespace: string;
  identity: string;
  workflowBundle: WorkflowBundleOption;
}

/** Asks one account, and works on its workflow meanwhile. */
export interface AccountLink {
  ask(request: LeaseRequest): Promise<Lease>;
  /** Gives the holder's lease back if it can, and works on the account no more. */
  close(holder: LeaseHolder): Promise<void>;
}

interface Shared {
  users: number;
  stop(): Promise<void>;
}

/** Batches of one process and connection share one worker for each account. */
const shared = new WeakMap<NativeConnection, Map<string, Shared>>();

export function openAccount(name: string, options: AccountWorkerOptions): AccountLink {
  const { connection, namespace, identity } = options;
  const client = new Client({ connection, namespace, identity });
  const release = useWorker(name, options);
  return {
    ask: (request) =>
      client.withDeadline(Date.now() + ASK_DEADLINE_MS, () =>
        client.workflow.executeUpdateWithStart(leaseUpdate, {
          startWorkflowOperation: startOf(name),
          args: [request],
        }),
      ),
    close: async (holder) => {
      await client
        .withDeadline(Date.now() + RETURN_DEADLINE_MS, () =>
          client.workflow
            .getHandle(accountWorkflowId(name))
            .executeUpdate(returnLeaseUpdate, { args: [holder] }),
        )
        .catch(() => {
          // it ends by itself in a few seconds
        });
      await release();
    },
  };
}

const startOf = (name: string): WithStartWorkflowOperation<typeof providerAccount> =>
  new WithStartWorkflowOperation('providerAccount', {
    workflowId: accountWorkflowId(name),
    taskQueue: accountTaskQueue(name),
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [{ name }],
    // With the default of 10 s, all would wait for a worker that died over it.
    workflowTaskTimeout: '2 seconds',
    staticSummary: 'Shares what an account with a provider allows among the batches that name it',
  });

/** The answer ends the use: with the last one the worker stops. */
function useWorker(name: string, options: AccountWorkerOptions): () => Promise<void> {
  const { connection, namespace } = options;
  const ofConnection = shared.get(connection) ?? new Map<string, Shared>();
  shared.set(connection, ofConnection);
  const key = `${namespace} ${name}`;
  const known = ofConnection.get(key) ?? startWorker(name, options);
  ofConnection.set(key, known);
  known.users++;
  return async () => {
    if (--known.users > 0) return;
    ofConnection.delete(key);
    await known.stop();
  };
}

/** One that cannot start, or fails, is followed by another: without any, requests would wait for ever. */
function startWorker(
  name: string,
  { connection, namespace, identity, workflowBundle }: AccountWorkerOptions,
): Shared {
  const stopping = new AbortController();
  const { signal } = stopping;
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  const work = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        const worker = await Worker.create({
          connection,
          namespace,
          identity,
          workflowBundle,
          taskQueue: accountTaskQueue(name),
          maxCachedWorkflows: 2,
          stickyQueueScheduleToStartTimeout: '2 seconds',
          workflowFailureErrorTypes: { '*': ['Error'] },
        });
        await worker.runUntil(stopped);
      } catch {
        // Until the next one requests wait, and say so; another process of the account may do its work.
        await abortableSleep(WORKER_AGAIN_MS, signal);
      }
    }
  };
  const ended = work();
  return {
    users: 0,
    stop: () => {
      stopping.abort();
      return ended;
    },
  };
}
