/** Whether a signal is what it should be: whoever has the Temporal CLI may send anything. */
import type { ShardAccount, ShardLoan } from '../contract.ts';

export function isAccount(account: unknown): account is ShardAccount {
  const { execution, loan, tally, running } = fieldsOf(account);
  const { succeeded, failed, paid } = fieldsOf(tally);
  return (
    [execution, loan, running, succeeded, failed].every(Number.isInteger) && isFields(fieldsOf(paid)['usage'])
  );
}

export function isLoan(loan: unknown): loan is ShardLoan {
  const { version, slots, keepSlots, lifts, limits, stop } = fieldsOf(loan);
  return (
    [version, slots, keepSlots, lifts].every(Number.isInteger) &&
    Number.isInteger(fieldsOf(limits)['maxWorkers']) &&
    ['no', 'drain', 'now'].includes(stop as string)
  );
}

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const fieldsOf = (value: unknown): Record<string, unknown> => (isFields(value) ? value : {});
