/** What a batch would take over from the output folder, were it made. */
import { resolve } from 'node:path';
import type { Config } from '../../config.ts';
import type { BatchSettings } from '../../core/settings.ts';
import type { PromptItem } from '../../core/prompt.ts';
import { hasSeed, requestKey } from '../../store/prompts/request-key.ts';
import type { RunOptions } from '../options/run-options.ts';
import { findReusable, type ReuseRules } from '../reuse/reuse.ts';
import { AskedKeys, type ReuseSource, type SkipNote } from '../reuse/reuse-sources.ts';
import { rulesOf, sourcesOf } from '../reuse/reuse-earlier-answers.ts';
import { WantedAnswers } from '../reuse/wanted-answers.ts';

export class EstimatedReuse {
  readonly #settings: BatchSettings['request'];
  readonly #sources: ReuseSource[];
  readonly #asked: AskedKeys;
  readonly #skip: SkipNote;
  readonly #rules: ReuseRules;
  readonly #wanted = new WantedAnswers();

  private constructor(
    { request, limits }: BatchSettings,
    { policy }: RunOptions['reuse'],
    { sources, skip }: { sources: ReuseSource[]; skip: SkipNote },
  ) {
    this.#settings = request;
    this.#sources = sources;
    this.#asked = new AskedKeys(sources);
    this.#skip = skip;
    this.#rules = rulesOf(policy, limits);
  }

  /** Makes no output folder where there is none. */
  static async open(
    config: Config,
    { outputDir, reuse }: RunOptions,
    settings: BatchSettings,
    note: (line: string) => void,
  ): Promise<EstimatedReuse> {
    const location = { kind: 'local' as const, outputDir: resolve(outputDir), uuid: '' };
    const wanted = { reuse: reuse.named, reuse_policy: reuse.policy, typed: reuse.named };
    return new EstimatedReuse(
      settings,
      reuse,
      await sourcesOf(config, { location, batchId: null }, wanted, note),
    );
  }

  /** Whether a batch was asked the same as this prompt, which is then counted under `index`. */
  look(item: PromptItem, index: number): boolean {
    const key = requestKey(item, this.#settings);
    if (!this.#asked.has(key.digest)) return false;
    const missing = item.completions ?? this.#settings.completions;
    this.#wanted.add({ key, index, missing, isSeeded: hasSeed(item) });
    return true;
  }

  /** How many completions there are for each prompt that has some. */
  async count(): Promise<Map<number, number>> {
    const found = new Map<number, number>();
    for await (const { answers } of findReusable(this.#wanted, this.#sources, this.#rules, this.#skip))
      for (const { index } of answers) found.set(index, (found.get(index) ?? 0) + 1);
    return found;
  }
}
