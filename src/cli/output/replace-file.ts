import { open, rename, rm } from "node:fs/promises";

/**
 * Makes a file say something else, all of it at once: however the process ends, it says what it said before or what it says now.
 * @throws what the system says
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const beside = `${path}.tmp`;
  try {
    const file = await open(beside, "w");
    try {
      await file.writeFile(text);
      // The new name is not to point at an empty file after a loss of power.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw error;
  }
}
