import { join } from "node:path";
import { readIfThere, writeStateFile } from "../state-file.ts";
import { type TranslationStore, parseTranslation } from "./translation.ts";

/** Translations in a directory, a file for each group. */
export function translationFiles(directory: string): TranslationStore {
  const fileOf = (group: string): string => join(directory, `group.${encodeURIComponent(group)}.json`);
  return {
    async read(group) {
      const file = fileOf(group);
      const text = await readIfThere(file);
      return text === null ? null : parseTranslation(text, file);
    },
    write: (translation) => writeStateFile(fileOf(translation.group), JSON.stringify(translation)),
  };
}
