import { constants } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { StreamError } from "../../errors.ts";
import { unsealBookmark } from "../../position/position.ts";
import type { Bookmark } from "../../tokens.ts";
import { replaceFile } from "../../replace-file.ts";

/** How far the file may be behind, and the shortest time between two writes. */
const SOON_MS = 1_000;

/** A file that holds one bookmark. It is never half written, however the process ends. */
export class BookmarkFile {
  readonly #path: string;
  #stored: Bookmark | null = null;
  /** The bookmark that is written soon. */
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
    // Starting over silently would print everything again.
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

  /** Checks, before anything is printed, that the bookmark can be written. */
  async #requireFolder(): Promise<void> {
    try {
      await access(dirname(this.#path), constants.W_OK);
    } catch (error) {
      throw this.#failureTo("write", error as NodeJS.ErrnoException);
    }
  }

  /** Writes the bookmark within a second, and the first one at once: a process that is killed again and again soon after its start makes progress.
   * @throws the error of an earlier write */
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

  /** Resolves when the bookmark is written. @throws `permission-denied` · `unavailable` */
  async write(bookmark: Bookmark): Promise<void> {
    this.forget();
    await this.#writing;
    if (this.#failure !== null) throw this.#failure;
    await this.#replace(bookmark);
  }

  /** Cancels the write of `writeSoon`. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#next = null;
  }

  /** Never rejects: the next write throws the error. */
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
