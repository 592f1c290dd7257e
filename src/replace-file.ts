import { open, rename, rm } from "node:fs/promises";

/**
 * Replaces the content of a file atomically: however the process ends, the file has the old or the new content.
 * @param temporary a name of its own where several processes replace the file at once
 * @throws the error of the system
 */
export async function replaceFile(path: string, text: string, temporary = `${path}.tmp`): Promise<void> {
  try {
    const file = await open(temporary, "w");
    try {
      await file.writeFile(text);
      // After a loss of power the new name must not point to an empty file.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}
