/** Whether the ledger's own records fit together. */
import type { PromptReading } from '../../store/ledger/batch-reading.ts';
import { toTerminalText } from '../render/terminal-text.ts';
import type { Difference } from './findings.ts';

/** Every end of a prompt names answers that are there, and a success has all its samples. */
export function checkLedger({ item, history, promptState }: PromptReading): Difference[] {
  const prompt = `prompt ${toTerminalText(item.prompt_id, 60)}`;
  const known = new Set(history.answers.map(({ id }) => id));
  const missing = history.settled.flatMap(({ id, answers }) =>
    answers
      .filter((answer) => !known.has(answer))
      .map((answer) => ({
        check: 'ledger' as const,
        message: `${prompt}: its end ${id} names the answer ${answer}, which is not in the ledger`,
        records: [answer],
      })),
  );
  const { settled } = promptState;
  if (missing.length > 0 || settled?.status !== 'succeeded' || promptState.missing.length === 0)
    return missing;
  const samples = promptState.missing.join(', ');
  const message = `${prompt}: it succeeded by its end ${settled.id}, but has no answer for sample ${samples}`;
  return [{ check: 'ledger', message, records: [settled.id] }];
}
