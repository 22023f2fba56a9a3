import { readFileSync, readlinkSync } from 'node:fs'

/**
 * Which clock the system's monotonic one is: readings of one id are on one time line, whatever was done to the wall
 * clock meanwhile. It lasts for a boot of the kernel, and a time namespace moves it. Undefined where that is not told.
 */
export function monotonicClockId(): string | undefined {
  try {
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${bootId} ${readlinkSync('/proc/self/ns/time')}`
  } catch {
    return undefined
  }
}
