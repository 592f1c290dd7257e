import { StreamError } from "../errors.ts";

/** What an adapter says of the SDK that it loads at its first use. */
export interface RequiredSdk {
  readonly provider: string;
  /** `Kinesis` */
  readonly adapter: string;
  /** What is installed, if it cannot be loaded: `the AWS SDK`. */
  readonly sdk: string;
  readonly packages: readonly string[];
  /** `from version 3.1143 on` */
  readonly known: string;
  /** Behind `npm install`. @default the packages */
  readonly install?: string | undefined;
}

const NOT_FOUND: ReadonlySet<unknown> = new Set(["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"]);

/** A `configuration` error that says what to install if the SDK is missing, and what is known to work if it cannot be loaded. */
export function sdkNotLoaded({ provider, adapter, sdk, packages, known, install }: RequiredSdk, cause: unknown): StreamError {
  const { code } = cause as Partial<NodeJS.ErrnoException>;
  const noun = packages.length === 1 ? "package" : "packages";
  const text = NOT_FOUND.has(code)
    ? `the ${adapter} adapter needs the ${noun} ${packages.join(" and ")}, known to work ${known}: npm install ${install ?? packages.join(" ")}`
    : `${sdk} is installed but could not be loaded; it is known to work ${known}. The cause says why`;
  return new StreamError("configuration", text, { provider, cause });
}
