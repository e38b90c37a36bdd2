/** What was paid for and is used by no completion: it is kept with its texts, and says why it is not used. */
import type { DiscardedAnswer } from './outcome.ts';
import type { AnswerMeta, PromptHistory } from './prompt-history.ts';
import type { AnswerRecord } from './records.ts';
import type { PromptState } from './prompt-state.ts';

/** Reads an answer with its texts. */
export type ReadRecord = (answer: AnswerMeta) => Promise<AnswerRecord>;

/** Returns which request for the prompt an answer came from, from 1; 0 where there was none, or it is not on record. */
export const attemptOf = ({ starts }: PromptHistory, { start }: AnswerMeta): number =>
  starts.findIndex(({ id }) => id === start) + 1;

/**
 * Returns them in the order of the ledger. An answer of which one choice is a completion is told of with its other choices;
 * its usage and cost stand at the completion, so that sums are right. Answers of earlier batches are not among them: nothing
 * was paid for these here.
 */
export async function discardedAnswers(
  history: PromptHistory,
  promptState: PromptState,
  readRecord: ReadRecord,
): Promise<DiscardedAnswer[]> {
  const discarded: DiscardedAnswer[] = [];
  for (const answer of history.answers) {
    if (answer.reused) continue;
    const used = promptState.chosen.filter((each) => each.answer.id === answer.id);
    const usedSamples = new Set(used.map(({ sample }) => sample));
    if (answer.choices.every(({ sample }) => usedSamples.has(sample))) continue;
    const { choices } = await readRecord(answer);
    const { id, at, model, latencyMs, requestId } = answer;
    discarded.push({
      ...{ id, at, model, latencyMs, requestId },
      choices: choices
        .filter(({ sample }) => !usedSamples.has(sample))
        .map((choice) => ({ ...choice, why: whyDiscarded(choice, promptState) })),
      usage: used.length === 0 ? answer.usage : null,
      costNanoUsd: used.length === 0 ? answer.costNanoUsd : null,
      attempt: attemptOf(history, answer),
      discardedAt: discardedAt(history, promptState, answer),
    });
  }
  return discarded;
}

function whyDiscarded(
  { sample, text, finishReason }: AnswerRecord['choices'][number],
  { chosen, settled }: PromptState,
): string {
  const isReplaced = chosen.some((each) => each.sample === sample);
  const replaced = isReplaced ? '; another answer is used' : '';
  if (finishReason === 'length') return `it was cut off at its token limit${replaced}`;
  if (finishReason !== 'stop') return `it ended with ${JSON.stringify(finishReason)}${replaced}`;
  if (text.trim() === '') return `it has no text${replaced}`;
  if (isReplaced) return 'another answer for the same sample is used';
  return settled ? 'it arrived after the end of its prompt' : 'the prompt has not ended yet';
}

/** The prompt's end that left the answer out; one that came after the end was discarded as it came. */
function discardedAt(history: PromptHistory, { settled }: PromptState, { at }: AnswerMeta): string | null {
  if (!settled) return null;
  return history.settled.find((end) => end.at >= at)?.at ?? at;
}
