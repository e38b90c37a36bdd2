import type { PromptItem } from '../core/prompt.ts';
import type { EarlierItem, IdName } from './item-id.ts';

export interface CheckedItem {
  /** To be used only where there is no problem. */
  item: PromptItem;
  /** Where the id is from: a field of the input, the position, or nowhere, since the one given is wrong. */
  idSource: IdName | 'position' | 'none';
  /** How versions up to 0.1.0 took it in, where that differs. */
  earlier?: EarlierItem;
  problems: string[];
}
