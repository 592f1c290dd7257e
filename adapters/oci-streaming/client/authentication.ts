import { performance } from "node:perf_hooks";
import { clearTimeout, setTimeout } from "node:timers";
import { setTimeout as delay } from "node:timers/promises";
import { abortable } from "../../../src/adapter-kit/index.ts";
import { type StreamError, isStreamError } from "../../../src/driver/index.ts";
import type { AuthKind, OciAuthentication, OciStreamingOptions } from "../options.ts";
import { ociError } from "../errors.ts";
import { credentialFailure } from "./credential-failure.ts";
import { RequestSigner, type Signer, type UnsignedRequest } from "./request-signer.ts";
import { type Sdk, loadSdk } from "./sdk.ts";

/** A provider of the SDK that fetches its token itself. */
interface Refreshable extends OciAuthentication {
  refresh(): Promise<unknown>;
}

interface Identity {
  readonly provider: OciAuthentication;
  readonly signer: Signer;
}

/** Tokens come from services of the cloud. The SDK waits for them without an end, and then all its callers do. */
const CREDENTIALS_MS = 20_000;
/** New credentials are asked for so often at most, by whoever needs them. */
const RENEWALS_APART_MS = 1_000;
/** Read from files, which a tool of the vendor may be writing. */
const FROM_FILES: readonly AuthKind[] = ["config-file", "session-token", "resource-principal"];
const SECOND_LOOK_MS = 250;

const KEY_ID = /keyId="([^"]*)"/;
/** The key ids of a token that is empty, and of none. */
const NO_TOKEN: readonly string[] = ["ST$", "ST$undefined"];

/** Signs requests by the credentials that the options name. They are read at the first request. */
export class Authentication {
  readonly #options: OciStreamingOptions;
  readonly #limitMs: number;
  #opening: Promise<Identity> | null = null;
  #renewing: Promise<void> | null = null;
  #renewedMs = -Infinity;

  /** @param limitMs how long credentials may take */
  constructor(options: OciStreamingOptions, limitMs = CREDENTIALS_MS) {
    this.#options = options;
    this.#limitMs = limitMs;
  }

  /**
   * @returns the id of the key that was used: where there is a token, it is part of that
   * @param signsBody where the service does not accept a request whose body is not covered by the signature
   * @throws `configuration` where there are no credentials · `unauthenticated` where they cannot be renewed · `timeout` · the signal's reason
   */
  async sign(request: UnsignedRequest, signsBody: boolean, signal: AbortSignal): Promise<string> {
    const { signer } = await abortable(this.#identity(), signal);
    await this.#coded(this.#within(signer.signHttpRequest(request, !signsBody)), signal);
    const authorization = oneLine(request.headers.get("authorization") ?? "");
    request.headers.set("authorization", authorization);
    return KEY_ID.exec(authorization)?.[1] ?? "";
  }

  async #coded<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
    try {
      return await abortable(work, signal);
    } catch (cause) {
      signal.throwIfAborted();
      throw isStreamError(cause) ? cause : this.#notRenewed(cause);
    }
  }

  /** @throws `timeout` */
  async #within<Result>(work: Promise<Result>): Promise<Result> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(lateCredentials(this.#limitMs)), this.#limitMs);
    try {
      return await Promise.race([work, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #identity(): Promise<Identity> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }

  async #open(): Promise<Identity> {
    try {
      return await this.#read().catch(async (error: unknown) => {
        if (isStreamError(error) || !this.#isFromFiles) throw error;
        await delay(SECOND_LOOK_MS);
        return this.#read();
      });
    } catch (cause) {
      if (isStreamError(cause)) throw cause;
      throw ociError("configuration", `no credentials could be read (auth: ${this.#auth}): ${this.#reasonOf(cause)}`, { cause });
    }
  }

  get #auth(): AuthKind {
    return this.#options.auth ?? "config-file";
  }

  get #isFromFiles(): boolean {
    return this.#options.authentication === undefined && FROM_FILES.includes(this.#auth);
  }

  #notRenewed(cause: unknown): StreamError {
    return ociError("unauthenticated", `the credentials could not be read or fetched anew: ${this.#reasonOf(cause)}`, { cause });
  }

  #reasonOf(cause: unknown): string {
    return this.#options.authentication === undefined ? credentialFailure(cause, this.#auth) : "the cause says why";
  }

  async #read(): Promise<Identity> {
    const sdk = await loadSdk();
    const provider = await this.#within(providerOf(sdk, this.#options));
    if (this.#isFromFiles && NO_TOKEN.includes(await provider.getKeyId())) throw new Error("the token is missing");
    return { provider, signer: new RequestSigner(provider, () => new sdk.DefaultRequestSigner(provider) as unknown as Signer) };
  }

  /**
   * Are there other credentials than those that were refused? Asks for new ones where there are not; concurrent callers share that, and a second
   * passes between two times.
   * @throws `unauthenticated` where they cannot be renewed · `timeout` · the signal's reason
   */
  async hasOtherThan(keyId: string, signal: AbortSignal): Promise<boolean> {
    if ((await this.#coded(this.#keyId(), signal)) !== keyId) return true;
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewedMs = performance.now();
      this.#renewing = null;
    });
    await this.#coded(this.#renewing, signal);
    return (await this.#coded(this.#keyId(), signal)) !== keyId;
  }

  async #keyId(): Promise<string> {
    const { provider } = await this.#identity();
    return oneLine(await this.#within(provider.getKeyId()));
  }

  async #renew(): Promise<void> {
    const waitMs = this.#renewedMs + RENEWALS_APART_MS - performance.now();
    if (waitMs > 0) await delay(waitMs);
    const { provider } = await this.#identity();
    if (isRefreshable(provider)) await this.#within(provider.refresh());
    // What the application has given is asked again, as it is.
    else if (this.#options.authentication === undefined) this.#opening = Promise.resolve(await this.#read());
  }
}

/** The SDK takes a token as it stands in its file, with a line break at its end, which no header may have. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]/g, "");
}

function lateCredentials(limitMs: number): StreamError {
  return ociError("timeout", `no credentials within ${limitMs} ms: where they come from did not answer`);
}

function isRefreshable(provider: OciAuthentication): provider is Refreshable {
  return typeof (provider as Partial<Refreshable>).refresh === "function";
}

/** https://docs.oracle.com/en-us/iaas/Content/API/Concepts/sdk_authentication_methods.htm */
async function providerOf(sdk: Sdk, { auth = "config-file", authentication, configFile, profile }: OciStreamingOptions) {
  if (authentication !== undefined) return authentication;
  const file = configFile ?? process.env["OCI_CONFIG_FILE"];
  const section = profile ?? process.env["OCI_CONFIG_PROFILE"];
  switch (auth) {
    case "config-file":
      return new sdk.ConfigFileAuthenticationDetailsProvider(file, section);
    case "session-token":
      return new sdk.SessionAuthDetailProvider(file, section);
    case "instance-principal":
      return new sdk.InstancePrincipalsAuthenticationDetailsProviderBuilder().build();
    case "resource-principal":
      return sdk.ResourcePrincipalAuthenticationDetailsProvider.builder();
    case "workload-identity":
      return new sdk.OkeWorkloadIdentityAuthenticationDetailsProvider.OkeWorkloadIdentityAuthenticationDetailsProviderBuilder().build();
  }
}
