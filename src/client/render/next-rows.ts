import type { NextStep } from '../../core/next-steps.ts';
import type { Paint } from './paint.ts';
import type { Row } from './text-table.ts';
import { asTyped } from '../../system/typed-command.ts';

/** The advice, and under it the command alone on its line, ready to be copied. */
export function nextRows({ advice, command }: NextStep, paint: Paint): Row[] {
  const said: Row = { label: 'Next', value: advice, prose: true };
  return command === null ? [said] : [said, { label: '', value: asTyped(command), painted: paint.bold }];
}
