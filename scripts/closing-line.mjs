// The last line of a test run, for programs to read: `N passed, N failed, N skipped`.
// A test file that could not be loaded, and an error outside of any test, count as one failed test each.
export default class ClosingLine {
  onTestRunEnd(modules, errors) {
    const count = { failed: errors.length, passed: 0, pending: 0, skipped: 0 };
    for (const module of modules) {
      const before = count.failed;
      for (const test of module.children.allTests()) count[test.result().state]++;
      if (module.state() === 'failed' && count.failed === before) count.failed++;
    }
    const line = `${count.passed} passed, ${count.failed} failed, ${count.skipped + count.pending} skipped`;
    process.on('exit', () => console.log(line));
  }
}
