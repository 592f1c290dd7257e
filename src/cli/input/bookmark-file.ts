import { constants } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { StreamError } from "../../errors.ts";
import { unsealBookmark } from "../../position/position.ts";
import type { Bookmark } from "../../tokens.ts";
import { replaceFile } from "../output/replace-file.ts";

/** How far the file may be behind, and how often it is written at most. */
const SOON_MS = 1_000;

/** A file that holds one bookmark: never half of one, however the process ends. */
export class BookmarkFile {
  readonly #path: string;
  #stored: Bookmark | null = null;
  /** What the file is to say soon. */
  #next: Bookmark | null = null;
  #timer: NodeJS.Timeout | undefined;
  #writtenAtMs = -Infinity;
  #writing: Promise<void> = Promise.resolve();
  #failure: StreamError | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** @returns the bookmark, or `null` where there is no such file yet. @throws `permission-denied` · `unavailable` · `corrupt` */
  async read(): Promise<Bookmark | null> {
    let text: string;
    try {
      text = await readFile(this.#path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") {
        await this.#requireFolder();
        return null;
      }
      throw this.#failureTo("read", error as NodeJS.ErrnoException);
    }
    this.#stored = text.trim();
    // Starting over without a word would print everything again.
    if (this.#stored === "") throw this.#corrupt("is empty");
    try {
      unsealBookmark(this.#stored);
    } catch (cause) {
      throw this.#corrupt("holds no bookmark, or one that was changed", cause);
    }
    return this.#stored;
  }

  #corrupt(what: string, cause?: unknown): StreamError {
    return new StreamError("corrupt", `the bookmark file ${JSON.stringify(this.#path)} ${what}; remove it to begin anew`, { cause });
  }

  /** Before anything is printed that nobody could remember. */
  async #requireFolder(): Promise<void> {
    try {
      await access(dirname(this.#path), constants.W_OK);
    } catch (error) {
      throw this.#failureTo("write", error as NodeJS.ErrnoException);
    }
  }

  /** The file says so within a second, and the first time at once: who is killed soon, again and again, gets on. @throws what a write before has failed with */
  writeSoon(bookmark: Bookmark): void {
    if (this.#failure !== null) throw this.#failure;
    this.#next = bookmark;
    this.#timer ??= setTimeout(
      () => {
        this.#writing = this.#writeNext();
      },
      Math.max(0, this.#writtenAtMs + SOON_MS - performance.now()),
    );
  }

  /** Resolves when the file says so. @throws `permission-denied` · `unavailable` */
  async write(bookmark: Bookmark): Promise<void> {
    this.forget();
    await this.#writing;
    if (this.#failure !== null) throw this.#failure;
    await this.#replace(bookmark);
  }

  /** What was to be written soon is not any more. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#next = null;
  }

  /** Never rejects: who writes next is told. */
  async #writeNext(): Promise<void> {
    const next = this.#next;
    this.#writtenAtMs = performance.now();
    try {
      if (next !== null) await this.#replace(next);
    } catch (error) {
      this.#failure = error as StreamError;
    }
    this.#timer = undefined;
    if (this.#failure === null && this.#next !== null && this.#next !== next) this.writeSoon(this.#next);
  }

  async #replace(bookmark: Bookmark): Promise<void> {
    if (bookmark === this.#stored) return;
    try {
      await replaceFile(this.#path, `${bookmark}\n`);
    } catch (error) {
      throw this.#failureTo("write", error as NodeJS.ErrnoException);
    }
    this.#stored = bookmark;
  }

  #failureTo(what: "read" | "write", cause: NodeJS.ErrnoException): StreamError {
    const code = cause.code === "EACCES" || cause.code === "EPERM" ? "permission-denied" : "unavailable";
    const text = `cannot ${what} the bookmark file ${JSON.stringify(this.#path)}: ${cause.code ?? cause.message}`;
    return new StreamError(code, text, { cause, retryable: false });
  }
}
