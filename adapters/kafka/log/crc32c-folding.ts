/**
 * Modulo the polynomial of CRC-32C, x^2128 = x^1144 + x^968 + x^704 + x^568 + 1, and all exponents differ by whole bytes. So a byte can
 * be removed from the data without a change of the checksum if it is XORed into the bytes at these distances after it. With sixteen
 * bytes at a time this takes a fifth of the time of tables: 0.1 ns a byte. Only WebAssembly has numbers of sixteen bytes.
 */
const DISTANCES = [123, 145, 178, 195, 266] as const;
const STEP = 16;
/** The largest distance, in whole steps. */
const REACH = 272;
/** The memory before it stays zero, because there are no bytes before the first ones. */
const ORIGIN = 512;
const REST_AT = 49_152;

/** Fewer bytes are faster with the tables alone. */
export const MIN_FOLDED_BYTES = 1_024;
/** The capacity of the memory. */
export const MAX_FOLDED_BYTES = 32_768;

/** Part of the standard, but missing in the types of Node. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => {
    readonly exports: { readonly memory: { readonly buffer: ArrayBuffer }; readonly fold: Fold };
  };
}

/** For each step from `begin` to `end`: XORs the bytes at the distances before it, and stores the result in the step, or `shift` bytes after it. */
type Fold = (begin: number, end: number, shift: number) => void;

/** Removes bytes until a few hundred are left. */
export class Crc32cFolding {
  readonly #memory: Uint8Array;
  readonly #fold: Fold;

  /** @throws if WebAssembly is disabled (`node --jitless`) or has no memory */
  constructor() {
    const { Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;
    const { memory, fold } = new Instance(new Module(foldModule())).exports;
    this.#memory = new Uint8Array(memory.buffer);
    this.#fold = fold;
  }

  /**
   * Takes `MIN_FOLDED_BYTES` to `MAX_FOLDED_BYTES` bytes.
   * @param before the remainder of the data before them
   * @returns bytes that give the same remainder after a remainder of 0. They are valid until the next call
   */
  rest(before: number, bytes: Uint8Array, begin: number, end: number): Uint8Array {
    const memory = this.#memory;
    const folded = Math.floor((end - begin - DISTANCES[4]) / STEP) * STEP;
    const restEnd = REST_AT + end - begin - folded;
    memory.set(bytes.subarray(begin, begin + folded), ORIGIN);
    memory.set(bytes.subarray(begin + folded, end), REST_AT);
    memory.fill(0, ORIGIN + folded, ORIGIN + folded + REACH);
    for (let index = 0; index < 4; index += 1) memory[ORIGIN + index]! ^= before >>> (index * 8);
    this.#fold(0, folded, 0);
    this.#fold(folded, folded + REACH, REST_AT - ORIGIN - folded);
    return memory.subarray(REST_AT, restEnd);
  }
}

/** The binary format: https://webassembly.github.io/spec/core/binary/ */
function foldModule(): Uint8Array {
  const load = (local: number, offset: number): number[] => [0x20, local, 0xfd, 0x00, 0x00, ...twoByteNumber(offset)];
  const code = [
    // One more local i32: the address to store a step.
    [0x01, 0x01, 0x7f],
    // loop
    [0x03, 0x40],
    // (local.tee 3 (i32.add (local.get 0) (local.get 2)))
    [0x20, 0, 0x20, 2, 0x6a, 0x22, 3],
    // (v128.load (local.get 3)), and for each distance (v128.xor (v128.load (local.get 0)))
    load(3, ORIGIN),
    ...DISTANCES.map((distance) => [...load(0, ORIGIN - distance), 0xfd, 0x51]),
    // v128.store
    [0xfd, 0x0b, 0x00, ...twoByteNumber(ORIGIN)],
    // (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const STEP))) (local.get 1)))
    [0x20, 0, 0x41, STEP, 0x6a, 0x22, 0, 0x20, 1, 0x49, 0x0d, 0],
    // The end of the loop and of the function.
    [0x0b, 0x0b],
  ].flat();
  return Uint8Array.from(
    [
      // "\0asm", version 1
      [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      // One function type: three i32, no result. One function of that type. One memory of one page, which does not grow.
      section(1, [1, 0x60, 3, 0x7f, 0x7f, 0x7f, 0]),
      section(3, [1, 0]),
      section(5, [1, 1, 1, 1]),
      // The exports "memory" and "fold".
      section(7, [2, 6, ...Buffer.from("memory"), 2, 0, 4, ...Buffer.from("fold"), 0, 0]),
      section(10, [1, ...twoByteNumber(code.length), ...code]),
    ].flat(),
  );
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...twoByteNumber(content.length), ...content];
}

/** LEB128, possibly longer than necessary. */
function twoByteNumber(value: number): number[] {
  return [(value & 0x7f) | 0x80, value >>> 7];
}
