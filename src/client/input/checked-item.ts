import type { PromptItem } from '../../contract.ts';

export interface CheckedItem {
  /** To be used only where there is no problem. */
  item: PromptItem;
  /** Where the id is from: a field of the input, the position, or nowhere, since the one given is wrong. */
  idSource: 'prompt_id' | 'custom_id' | 'position' | 'none';
  problems: string[];
}
