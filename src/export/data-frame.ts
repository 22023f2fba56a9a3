import { importPackage, POLARS } from './optional-package.js'

// Its own types are not used: they must not be needed where the package is not installed.
interface Polars {
  readIPC(bytes: Buffer): unknown
}

/** The rows of an Arrow file as a data frame of nodejs-polars. */
export async function dataFrameOf(arrow: Uint8Array): Promise<unknown> {
  const module = await importPackage<Polars & { default?: Polars }>(POLARS)
  const polars = module.default ?? module
  return polars.readIPC(Buffer.from(arrow.buffer, arrow.byteOffset, arrow.byteLength))
}
