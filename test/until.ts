/** Waits until it holds; fails with what was waited for after ten seconds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await new Promise(resolve => setTimeout(resolve, 1))
  }
}
