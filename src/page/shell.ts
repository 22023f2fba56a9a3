// The body of the page: landmarks and headings in their order, every section empty and hidden until a panel fills it.
// A constant: no value of a recording is ever put into markup.

/** Body's markup. `#panels` is for mountPanels, `#timeline` for mountTimeline. */
export const SHELL: string = `<a class="skip" href="#panels">Skip to the report</a>
<header class="top">
  <h1 id="title">opscope</h1>
  <dl id="facts" class="facts"></dl>
</header>
<nav class="bar" aria-label="Sections">
  <ul id="links">
    <li><a href="#missing">Missing</a></li>
    <li><a href="#findings">Findings</a></li>
    <li><a href="#timeline-panel">Timeline</a></li>
    <li><a href="#ops">Ops</a></li>
    <li><a href="#flame">Flame graph</a></li>
    <li><a href="#requests">Requests</a></li>
    <li><a href="#copies">GpuMemcpy</a></li>
    <li><a href="#gaps">GPU gaps</a></li>
    <li><a href="#kernels">Kernels</a></li>
    <li><a href="#devices">Devices</a></li>
    <li><a href="#waits">Waits</a></li>
    <li><a href="#memory">Memory</a></li>
    <li><a href="#event-loop">Event loop</a></li>
  </ul>
  <div id="range-chip" class="chip" hidden></div>
  <div id="theme"></div>
</nav>
<noscript><p class="notice">This report draws itself with JavaScript, which is switched off here. Nothing of it leaves the file.</p></noscript>
<main id="panels" tabindex="-1">
  <section id="missing" aria-labelledby="missing-title" hidden><h2 id="missing-title">What is missing</h2></section>
  <section id="findings" aria-labelledby="findings-title" hidden><h2 id="findings-title">Findings</h2></section>
  <section id="overhead" aria-labelledby="overhead-title" hidden><h2 id="overhead-title">Where the time went</h2></section>
  <div id="timeline-panel"><h2 id="timeline-title">Timeline</h2>
  <section id="timeline" aria-labelledby="timeline-title"><p class="quiet">Unpacking the recording …</p></section></div>
  <section id="details" aria-labelledby="details-title" hidden><h2 id="details-title">Selected</h2></section>
  <section id="range" aria-labelledby="range-title" hidden><h2 id="range-title">Selected range</h2></section>
  <section id="ops" aria-labelledby="ops-title" hidden><h2 id="ops-title">Ops</h2></section>
  <section id="flame" aria-labelledby="flame-title" hidden><h2 id="flame-title">Flame graph</h2></section>
  <section id="requests" aria-labelledby="requests-title" hidden><h2 id="requests-title">Requests</h2></section>
  <section id="copies" aria-labelledby="copies-title" hidden><h2 id="copies-title">GpuMemcpy</h2></section>
  <section id="gaps" aria-labelledby="gaps-title" hidden><h2 id="gaps-title">GPU gaps</h2></section>
  <section id="kernels" aria-labelledby="kernels-title" hidden><h2 id="kernels-title">Kernels</h2></section>
  <section id="devices" aria-labelledby="devices-title" hidden><h2 id="devices-title">Devices</h2></section>
  <section id="waits" aria-labelledby="waits-title" hidden><h2 id="waits-title">Waits for the GPU</h2></section>
  <section id="memory" aria-labelledby="memory-title" hidden><h2 id="memory-title">GPU memory</h2></section>
  <section id="event-loop" aria-labelledby="event-loop-title" hidden><h2 id="event-loop-title">Event loop and garbage collection</h2></section>
</main>
<footer id="colophon" class="quiet"></footer>
<p id="status" class="unseen" role="status"></p>`
