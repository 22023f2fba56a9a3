import bench = require('./index.js')
export = bench
