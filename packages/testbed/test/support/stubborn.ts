// Ignores SIGTERM.
process.on('SIGTERM', () => {})
setInterval(() => {}, 60_000)
console.log('{"msg":"consumer started"}')
