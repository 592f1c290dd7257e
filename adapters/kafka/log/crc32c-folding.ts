/**
 * Modulo the polynomial of CRC-32C, x^2128 = x^1144 + x^968 + x^704 + x^568 + 1: whole bytes apart. So a byte may be taken out of
 * the data if it is XORed into the bytes that lie so far behind it, and the checksum stays the same. Sixteen bytes at a time, that
 * takes a fifth of the time of tables: 0.1 ns a byte. Only WebAssembly has numbers of sixteen bytes.
 */
const DISTANCES = [123, 145, 178, 195, 266] as const;
const STEP = 16;
/** In whole steps, as far as a byte reaches. */
const REACH = 272;
/** Before it the memory stays zero: the first bytes have none before them. */
const ORIGIN = 512;
const REST_AT = 49_152;

/** Fewer bytes are done faster without. */
export const LEAST_FOLDED = 1_024;
/** What the memory has room for. */
export const MOST_FOLDED = 32_768;

/** Of the standard, which the types of Node leave out. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => {
    readonly exports: { readonly memory: { readonly buffer: ArrayBuffer }; readonly fold: Fold };
  };
}

/** XORs what lies the distances before into each step from `begin` to `end`, or into the bytes that lie `shift` behind it. */
type Fold = (begin: number, end: number, shift: number) => void;

/** Takes bytes out until a few hundred are left. */
export class Crc32cFolding {
  readonly #memory: Uint8Array;
  readonly #fold: Fold;

  /** @throws where WebAssembly is off (`node --jitless`) or gets no memory */
  constructor() {
    const { Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;
    const { memory, fold } = new Instance(new Module(foldModule())).exports;
    this.#memory = new Uint8Array(memory.buffer);
    this.#fold = fold;
  }

  /**
   * @param before the remainder of what lies before; of `LEAST_FOLDED` to `MOST_FOLDED` bytes
   * @returns bytes that have, after a remainder of 0, the same one. They are valid until the next call
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
    // One more local i32: where a step is stored.
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
      // One type of functions: of three i32, without a result. One function, of that type. One memory of one page, which does not grow.
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

/** As LEB128, which may be longer than necessary. */
function twoByteNumber(value: number): number[] {
  return [(value & 0x7f) | 0x80, value >>> 7];
}
