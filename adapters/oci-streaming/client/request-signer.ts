import { type KeyObject, createHash, sign } from "node:crypto";
import type { OciAuthentication } from "../options.ts";
import { readRsaKey } from "./private-key.ts";
import type { RequestHeaders } from "./request-headers.ts";

export interface UnsignedRequest {
  readonly uri: string;
  readonly method: string;
  readonly headers: RequestHeaders;
  readonly body?: string | undefined;
}

/** The part of the SDK's signer that is used. */
export interface Signer {
  signHttpRequest(request: UnsignedRequest, forceExcludeBody: boolean): Promise<void>;
}

/** A provider of the SDK may have a token of another user. */
interface Delegating {
  getAuthType(): string | undefined;
}

const ALWAYS = ["x-date", "(request-target)", "host"];
const WITH_BODY = ["Content-Type", "Content-Length", "x-content-sha256"];

/**
 * Signs as the SDK's own signer does, byte for byte, with a key that is read once. That one reads the key for each request, which is most of what a
 * small request costs. It still signs what is not a plain RSA key: https://docs.oracle.com/en-us/iaas/Content/API/Concepts/signingrequests.htm
 */
export class RequestSigner implements Signer {
  readonly #provider: OciAuthentication;
  readonly #sdk: Signer;
  readonly #isDelegated: boolean;
  #text: string | null = null;
  #key: KeyObject | null = null;

  /**
   * @param sdk makes the SDK's own signer, which reads the key as well
   * @throws where the key cannot be read
   */
  constructor(provider: OciAuthentication, sdk: () => Signer) {
    this.#provider = provider;
    const { getAuthType } = provider as Partial<Delegating>;
    this.#isDelegated = Boolean(getAuthType?.call(provider));
    if (!this.#isDelegated) this.#currentKey();
    this.#sdk = sdk();
  }

  async signHttpRequest(request: UnsignedRequest, forceExcludeBody: boolean): Promise<void> {
    if (this.#isDelegated) return this.#sdk.signHttpRequest(request, forceExcludeBody);
    // A provider may renew its key with the id.
    const keyId = await this.#provider.getKeyId();
    const key = this.#currentKey();
    if (key === null) return this.#sdk.signHttpRequest(request, forceExcludeBody);
    const { headers, method } = request;
    const { host, pathname, search } = new URL(request.uri);
    headers.set("host", host);
    headers.set("x-date", new Date().toUTCString());
    const hasBody = method === "POST" || method === "PUT";
    const names = hasBody && !forceExcludeBody ? [...ALWAYS, ...WITH_BODY] : ALWAYS;
    if (names !== ALWAYS) describeBody(request);
    const target = `${method.toLowerCase()} ${pathname}${search}`;
    const lines = names.map((name) => `${name.toLowerCase()}: ${name === "(request-target)" ? target : headers.get(name)}`);
    const signature = sign("sha256", Buffer.from(lines.join("\n"), "utf8"), key).toString("base64");
    const signed = `keyId="${keyId}",algorithm="rsa-sha256",headers="${names.join(" ")}",signature="${signature}"`;
    headers.set("authorization", `Signature version="1",${signed}`);
  }

  /** @returns `null` where Node cannot read it, or it is no RSA key */
  #currentKey(): KeyObject | null {
    const text = this.#provider.getPrivateKey();
    if (text === this.#text) return this.#key;
    const key = readRsaKey(text, this.#provider.getPassphrase());
    this.#text = text;
    this.#key = key;
    return key;
  }
}

function describeBody({ headers, body = "" }: UnsignedRequest): void {
  const bytes = Buffer.from(body, "utf8");
  if (!headers.has("content-type")) headers.set("content-type", "application/json");
  headers.set("content-length", String(bytes.length));
  headers.set("x-content-sha256", createHash("sha256").update(bytes).digest("base64"));
}
