import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'

import { say } from '../notice.js'

/** The variables of Paddle Serving's timing tool that are read here, and where the lines go. */
export const PROFILE_VARIABLES = ['FLAGS_profile_client', 'FLAGS_profile_server', 'OPSCOPE_PROFILE_LINES'] as const

const ON = ['1', 'true', 'yes', 'on', 't', 'y']
const OFF = ['0', 'false', 'no', 'off', 'f', 'n', '']

/** Whether the variable turns it on. A word that is none is told once, and means off. */
export function isSwitchedOn(name: 'FLAGS_profile_client' | 'FLAGS_profile_server'): boolean {
  const given = process.env[name] ?? ''
  const word = given.trim().toLowerCase()
  if (ON.includes(word)) return true
  if (!OFF.includes(word)) tellOnce(name, given)
  return false
}

/** Workers that are started later know that it was told. */
function tellOnce(name: string, given: string): void {
  const key = `opscope:told:${name}`
  if (getEnvironmentData(key) === true) return
  setEnvironmentData(key, true)
  say(
    `${name} is ignored: ${JSON.stringify(given.slice(0, 40))} is neither of ${ON.join(', ')} ` +
      `nor of ${OFF.slice(0, -1).join(', ')}.`,
  )
}
