import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TranslationStore, parseTranslation } from "./translation.ts";

/** Translations in a directory, a file for each group. */
export function translationFiles(directory: string): TranslationStore {
  const fileOf = (group: string): string => join(directory, `group.${encodeURIComponent(group)}.json`);
  return {
    async read(group) {
      const file = fileOf(group);
      try {
        return parseTranslation(await readFile(file, "utf8"), file);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw error;
      }
    },
    async write(translation) {
      const file = fileOf(translation.group);
      await mkdir(directory, { recursive: true });
      // Renamed into place, so that a reader never sees half of it.
      await writeFile(`${file}.unfinished`, `${JSON.stringify(translation)}\n`);
      await rename(`${file}.unfinished`, file);
    },
  };
}
