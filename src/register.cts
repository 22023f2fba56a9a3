// For --require; --import takes register.ts. One instance, as for index.cts.
import register = require('./register.js')
export = register
