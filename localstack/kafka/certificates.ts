import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "./program.ts";

const TIMEOUT_MS = 30_000;
const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];

/** A certificate with its key, in PEM files. */
export interface CertifiedKey {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate authority that writes its certificates into a folder. openssl makes it, and it is valid for two days. */
export class CertificateAuthority {
  readonly name: string;
  /** Path of its own certificate, a PEM file. */
  readonly certificateFile: string;
  readonly #folder: string;
  readonly #keyFile: string;

  private constructor(folder: string, name: string) {
    this.name = name;
    this.#folder = folder;
    this.certificateFile = join(folder, `${name}.pem`);
    this.#keyFile = join(folder, `${name}.key`);
  }

  /** @param name the common name, and the name of the files */
  static async create(folder: string, name: string): Promise<CertificateAuthority> {
    const authority = new CertificateAuthority(folder, name);
    const files = ["-keyout", authority.#keyFile, "-out", authority.certificateFile];
    await runProgram("openssl", ["req", "-x509", ...KEY, "-subj", `/CN=${name}`, ...files], { timeoutMs: TIMEOUT_MS });
    return authority;
  }

  async certificate(): Promise<string> {
    return readFile(this.certificateFile, "utf8");
  }

  /** Makes a key and a certificate with this common name, for servers on the loopback interface, also under other names, and for clients. */
  async issue(commonName: string, otherNames: readonly string[] = []): Promise<CertifiedKey> {
    const file = (ending: string): string => join(this.#folder, `${this.name}-${commonName}.${ending}`);
    const request = ["req", "-new", ...KEY, "-subj", `/CN=${commonName}`, "-keyout", file("key"), "-out", file("csr")];
    await runProgram("openssl", request, { timeoutMs: TIMEOUT_MS });
    const names = ["IP:127.0.0.1", "DNS:localhost", ...otherNames.map((name) => `DNS:${name}`)].join(",");
    await writeFile(file("ext"), `subjectAltName=${names}\nextendedKeyUsage=serverAuth,clientAuth\n`);
    const signing = ["-CA", this.certificateFile, "-CAkey", this.#keyFile, "-set_serial", `0x${randomBytes(8).toString("hex")}`];
    const output = ["-days", "2", "-extfile", file("ext"), "-out", file("pem")];
    await runProgram("openssl", ["x509", "-req", "-in", file("csr"), ...signing, ...output], { timeoutMs: TIMEOUT_MS });
    return { certificate: await readFile(file("pem"), "utf8"), key: await readFile(file("key"), "utf8") };
  }
}
