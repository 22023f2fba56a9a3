import { spawn } from 'node:child_process'

/**
 * Opens the user's browser: `$BROWSER`, a command in which `%s` is the address, else what the system has for it.
 * @param onTrouble told why there is none, at once or when the command fails
 */
export function openBrowser(url: string, onTrouble: (reason: string) => void): void {
  const [command, ...args] = commandFor(url, process.env, process.platform)
  if (command === undefined) {
    onTrouble('there is no display')
    return
  }
  const browser = spawn(command, args, { stdio: 'ignore', detached: true })
  browser.on('error', (error: NodeJS.ErrnoException) => {
    onTrouble(error.code === 'ENOENT' ? `there is no ${command}` : `${command} failed: ${error.message}`)
  })
  browser.on('exit', code => {
    if (code !== null && code !== 0) onTrouble(`${command} ended with code ${code}`)
  })
  browser.unref()
}

/** Empty: there is none. */
export function commandFor(url: string, env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string[] {
  const named = env.BROWSER?.split(/\s+/).filter(word => word !== '') ?? []
  if (named.length > 0) {
    return named.some(word => word.includes('%s')) ? named.map(word => word.replaceAll('%s', url)) : [...named, url]
  }
  if (platform === 'darwin') return ['open', url]
  const hasDisplay = (env.DISPLAY ?? '') !== '' || (env.WAYLAND_DISPLAY ?? '') !== ''
  return hasDisplay ? ['xdg-open', url] : []
}
