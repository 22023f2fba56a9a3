/** Replaces a member and keeps how its property looks. The result puts the original back, if nobody replaced it since. */
export function replaceMember<Owner extends object, Name extends keyof Owner>(
  owner: Owner,
  name: Name,
  wrap: (original: Owner[Name]) => Owner[Name],
): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, name)!
  const replacement = wrap(owner[name])
  Object.defineProperty(owner, name, { ...before, value: replacement })
  return () => {
    if (owner[name] === replacement) Object.defineProperty(owner, name, before)
  }
}
