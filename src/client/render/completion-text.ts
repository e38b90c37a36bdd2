/** What `tail` prints of an answer: a completion for each of its choices. */
import { toUsage } from '../../report/results-json.ts';
import type { AnswerRecord } from '../../store/ledger/records.ts';
import { costText, countText, usdOf } from './number-text.ts';
import type { Paint } from './paint.ts';
import { joinTerminal, type TerminalText, terminalLines } from '../../system/terminal-output.ts';
import { toTerminalBlock, toTerminalText } from './terminal-text.ts';

export interface TailedAnswer {
  batchId: string;
  promptId: string;
  simulated: boolean;
  record: AnswerRecord;
}

/** The lines of `tail --json`. Usage and cost belong to the request: on its first completion alone, so that sums are right. */
export function completionsJson({
  batchId,
  promptId,
  simulated,
  record,
}: TailedAnswer): Record<string, unknown>[] {
  return record.choices.map(({ sample, text, reasoning, finishReason }, at) => ({
    type: 'completion',
    batch_id: batchId,
    prompt_id: promptId,
    sample,
    text,
    ...(reasoning !== undefined && { reasoning }),
    finish_reason: finishReason,
    truncated: finishReason === 'length',
    simulated,
    usage: at === 0 && record.usage ? toUsage(record.usage) : null,
    estimated_cost: at === 0 ? usdOf(record.costNanoUsd) : null,
    latency_ms: record.latencyMs,
    model: record.model,
    request_id: record.requestId,
    time: record.at,
    record_id: record.id,
    reused_from: record.reused?.batchId ?? null,
  }));
}

const NOTHING = terminalLines(['']);

/** For people: a line about each completion, and under it its text. */
export function completionsText({ promptId, simulated, record }: TailedAnswer, paint: Paint): TerminalText {
  return joinTerminal(
    ...record.choices.map(({ sample, text, finishReason }, at) => {
      const facts = [
        `sample ${sample}`,
        toTerminalText(finishReason, 40),
        ...(at === 0 && record.usage ? [`${countText(record.usage.total)} tokens`] : []),
        ...(at === 0 && record.costNanoUsd !== 0 ? [costText(record.costNanoUsd)] : []),
        ...(record.reused ? [`from ${toTerminalText(record.reused.batchId, 80)}`] : []),
        `${toTerminalText(record.at.slice(0, 19)).replace('T', ' ')} UTC`,
      ];
      const mark = simulated ? paint.yellow('[simulated] ') : '';
      const head = `${mark}${paint.bold(toTerminalText(promptId))} ${paint.dim(`· ${facts.join(' · ')}`)}`;
      const body = text.trim() === '' ? terminalLines([paint.dim('(no text)')]) : toTerminalBlock(text);
      return joinTerminal(terminalLines([head]), body, NOTHING);
    }),
  );
}
