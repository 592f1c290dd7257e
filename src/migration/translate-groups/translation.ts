import type { Bookmark } from "../../tokens.ts";
import { StreamError } from "../../errors.ts";
import { parseState } from "../state-file.ts";

/** What is kept of a translation, so that it can be told later whether the group of the target has moved. */
export interface Translation {
  readonly version: 1;
  /** `sourceIdOf` both topics. */
  readonly source: string;
  readonly target: string;
  readonly group: string;
  /** Where the group stood on the source; `null` where the provider does not show it. */
  readonly sourceBookmark: Bookmark | null;
  /** Where it was put on the target, as the provider shows it; `null` where it does not. */
  readonly targetBookmark: Bookmark | null;
  /** Where it stood on the target before: what is written first, and carried out then, may have been interrupted between. */
  readonly formerBookmark: Bookmark | null;
}

/** Where translations are kept. */
export interface TranslationStore {
  /** @returns the last one of this group, or `null` */
  read(group: string): Promise<Translation | null>;
  write(translation: Translation): Promise<void>;
}

const TEXTS = ["source", "target", "group"] as const;
const BOOKMARKS = ["sourceBookmark", "targetBookmark", "formerBookmark"] as const;

/** @param where what the text was read from, for the error. @throws `corrupt` */
export function parseTranslation(text: string, where: string): Translation {
  const content = parseState(text, where);
  const fields = (typeof content === "object" ? (content ?? {}) : {}) as Readonly<Record<string, unknown>>;
  const isComplete =
    fields["version"] === 1 &&
    TEXTS.every((name) => typeof fields[name] === "string") &&
    BOOKMARKS.every((name) => fields[name] === null || typeof fields[name] === "string");
  if (isComplete) return content as Translation;
  throw new StreamError("corrupt", `${where} is not a translation of version 1`);
}
