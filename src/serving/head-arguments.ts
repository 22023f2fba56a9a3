// One more header for an answer, at its `writeHead`. What a program passes there itself wins over what was set before,
// and how a list there is read depends on whether anything was set: so the header goes where the program put its own.

interface HeaderHolder {
  getHeader(name: string): unknown
  setHeader(name: string, value: string): unknown
}

/**
 * The arguments to call `writeHead` with instead, for a server of HTTP/1 or HTTP/2.
 * @param valueFor the header's value, given what the program has for it
 */
export function withHeader(
  response: HeaderHolder,
  args: readonly unknown[],
  name: string,
  valueFor: (own: unknown) => string,
): readonly unknown[] {
  // Status, perhaps a reason, perhaps headers.
  const at = isObject(args[2]) ? 2 : 1
  const headers = args[at]
  const before = response.getHeader(name)
  if (!isObject(headers) || isOdd(headers)) {
    response.setHeader(name, valueFor(before))
    return args
  }
  const put = Array.isArray(headers) ? withPair : withProperty
  return args.map((arg, index) => (index === at ? put(headers as never, name, own => valueFor(own ?? before)) : arg))
}

/** Name, value, name, value; or a list of such pairs. */
function withPair(list: readonly unknown[], name: string, valueFor: (own: unknown) => string): unknown[] {
  const isNested = Array.isArray(list[0])
  const pairs = isNested ? (list as unknown[][]) : pairsOf(list)
  const isIt = ([key]: unknown[]) => isName(key, name)
  const own = pairs.filter(isIt).flatMap(([, value]) => value)
  const all = [...pairs.filter(pair => !isIt(pair)), [name, valueFor(own.length > 0 ? own : undefined)]]
  return isNested ? all : all.flat()
}
function pairsOf(list: readonly unknown[]): unknown[][] {
  return Array.from({ length: list.length / 2 }, (_, index) => [list[2 * index], list[2 * index + 1]])
}
function withProperty(headers: object, name: string, valueFor: (own: unknown) => string): object {
  const entries = Object.entries(headers)
  const [key, own] = entries.find(entry => isName(entry[0], name)) ?? [name]
  return { ...headers, [key]: valueFor(own) }
}

function isName(key: unknown, name: string): boolean {
  return typeof key === 'string' && key.toLowerCase() === name.toLowerCase()
}
function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
/** Node throws at a list without its last value, and is to do so. */
function isOdd(headers: object): boolean {
  return Array.isArray(headers) && !Array.isArray(headers[0]) && headers.length % 2 === 1
}
