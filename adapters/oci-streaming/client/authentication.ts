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

/** Signs requests by the credentials that the options name. They are read at the first request. */
export class Authentication {
  readonly #options: OciStreamingOptions;
  #opening: Promise<Identity> | null = null;
  #refreshing: Promise<boolean> | null = null;
  /** Counts the refreshes: a request that was signed before the last one is only signed again. */
  #refreshes = 0;

  constructor(options: OciStreamingOptions) {
    this.#options = options;
  }

  get refreshes(): number {
    return this.#refreshes;
  }

  /** @param signsBody where the service does not accept a request whose body is not covered by the signature */
  async sign(request: Signed, signsBody: boolean): Promise<void> {
    const { signer } = await this.#identity();
    await signer.signHttpRequest(request, !signsBody);
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
      const provider = await providerOf(sdk, this.#options);
      return { provider, signer: new sdk.DefaultRequestSigner(provider) as unknown as Signer };
    } catch (cause) {
      const { auth = "config-file" } = this.#options;
      throw ociError("configuration", `no credentials could be read (auth: ${auth}); the cause says why`, { cause });
    }
  }

  /**
   * Fetches or reads the credentials anew. Concurrent callers share one attempt.
   * @returns whether there are other ones now
   */
  refresh(): Promise<boolean> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #refresh(): Promise<boolean> {
    const { provider } = await this.#identity();
    const before = await provider.getKeyId();
    const privateKey = provider.getPrivateKey();
    if (isRefreshable(provider)) await provider.refresh();
    else if (this.#options.authentication === undefined) this.#opening = null;
    const now = (await this.#identity()).provider;
    const isNew = (await now.getKeyId()) !== before || now.getPrivateKey() !== privateKey;
    if (isNew) this.#refreshes += 1;
    return isNew;
  }
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
