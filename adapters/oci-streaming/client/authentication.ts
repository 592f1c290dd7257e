import { clearTimeout, setTimeout } from "node:timers";
import { abortable } from "../../../src/adapter-kit/index.ts";
import { type StreamError, isStreamError } from "../../../src/driver/index.ts";
import type { OciAuthentication, OciStreamingOptions } from "../options.ts";
import { ociError } from "../errors.ts";
import { type Sdk, loadSdk } from "./sdk.ts";

/** A provider of the SDK that fetches its token itself. */
interface Refreshable extends OciAuthentication {
  refresh(): Promise<unknown>;
}

interface Signed {
  readonly uri: string;
  readonly method: string;
  readonly headers: RequestHeaders;
  readonly body?: string | undefined;
}

interface Signer {
  signHttpRequest(request: Signed, forceExcludeBody: boolean): Promise<void>;
}

interface Identity {
  readonly provider: OciAuthentication;
  readonly signer: Signer;
}

/** Headers as the SDK's signer reads and writes them, without the global class that applications may have patched. */
export class RequestHeaders {
  readonly all = new Map<string, string>();

  has(name: string): boolean {
    return this.all.has(name.toLowerCase());
  }

  get(name: string): string | null {
    return this.all.get(name.toLowerCase()) ?? null;
  }

  set(name: string, value: string): void {
    this.all.set(name.toLowerCase(), value);
  }
}

/** Tokens come from services of the cloud. The SDK waits for them without an end, and then all its callers do. */
const CREDENTIALS_MS = 20_000;

const KEY_ID = /keyId="([^"]*)"/;

/** Signs requests by the credentials that the options name. They are read at the first request. */
export class Authentication {
  readonly #options: OciStreamingOptions;
  readonly #limitMs: number;
  #opening: Promise<Identity> | null = null;
  #refreshing: Promise<void> | null = null;

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
  async sign(request: Signed, signsBody: boolean, signal: AbortSignal): Promise<string> {
    const { signer } = await abortable(this.#identity(), signal);
    await this.#coded(this.#within(signer.signHttpRequest(request, !signsBody)), signal);
    return KEY_ID.exec(request.headers.get("authorization") ?? "")?.[1] ?? "";
  }

  async #coded<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
    try {
      return await abortable(work, signal);
    } catch (cause) {
      signal.throwIfAborted();
      throw isStreamError(cause) ? cause : notRenewed(cause);
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
    const sdk = await loadSdk();
    try {
      const provider = await this.#within(providerOf(sdk, this.#options));
      return { provider, signer: new sdk.DefaultRequestSigner(provider) as unknown as Signer };
    } catch (cause) {
      if (isStreamError(cause)) throw cause;
      const { auth = "config-file" } = this.#options;
      throw ociError("configuration", `no credentials could be read (auth: ${auth}); the cause says why`, { cause });
    }
  }

  /**
   * Are there other credentials than those that were refused? Asks for new ones where there are not; concurrent callers share that.
   * @throws `unauthenticated` where they cannot be renewed · `timeout` · the signal's reason
   */
  async hasOtherThan(keyId: string, signal: AbortSignal): Promise<boolean> {
    if ((await this.#coded(this.#keyId(), signal)) !== keyId) return true;
    this.#refreshing ??= this.#within(this.#refresh()).finally(() => {
      this.#refreshing = null;
    });
    await this.#coded(this.#refreshing, signal);
    return (await this.#coded(this.#keyId(), signal)) !== keyId;
  }

  async #keyId(): Promise<string> {
    const { provider } = await this.#identity();
    return this.#within(provider.getKeyId());
  }

  async #refresh(): Promise<void> {
    const { provider } = await this.#identity();
    if (isRefreshable(provider)) await provider.refresh();
    // What the application has given is asked again, as it is.
    else if (this.#options.authentication === undefined) this.#opening = null;
  }
}

function notRenewed(cause: unknown): StreamError {
  return ociError("unauthenticated", "the credentials could not be read or fetched anew; the cause says why", { cause });
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
