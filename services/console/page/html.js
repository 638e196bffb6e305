// The one place that names the library of the page: preact, with templates instead of a build step.
export { Component, html, render, useEffect, useRef, useState } from '/vendor/preact.js'
