import { randomUUID } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { StreamError } from "../errors.ts";
import { replaceFile } from "../replace-file.ts";

/** @returns `null` where there is no such file. @throws the error of the system */
export async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Replaces the file, whose directory is made, as a whole. Two processes may do so at once. @throws the error of the system */
export async function writeStateFile(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await replaceFile(file, `${text}\n`, `${file}.${randomUUID()}`);
}

/** @param where what the text was read from, for the error. @throws `corrupt` */
export function parseState(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new StreamError("corrupt", `${where} is not JSON`, { cause });
  }
}
