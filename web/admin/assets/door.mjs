// What the CMS shows before it has a user. Whoever got this page is signed in,
// so normally it is a moment of "Opening"; only when the session ended, or the
// server is away, is there something to press.

import { asUser } from './session.mjs';

/**
 * @param {object} o
 * @param {Function} o.h React's createElement, as the bundle exports it
 * @param {Function} o.createClass as the bundle exports it
 * @param {import('./client.mjs').Client} o.client
 * @param {{leaving?: boolean}} o.page leaving: the person just signed out
 * @param {() => void} o.leave goes to the sign-in page
 * @returns a React component: {onLogin, inProgress}
 */
export function makeDoor({ h, createClass, client, page, leave }) {
  return createClass({
    displayName: 'GatehouseDoor',
    getInitialState() {
      return { problem: '' };
    },
    componentDidMount() {
      if (!page.leaving) this.enter();
    },
    enter() {
      this.setState({ problem: '' });
      client.call('session', {}, { quiet: true }).then(
        (session) => this.props.onLogin(asUser(session)),
        (error) => (error.status === 401 ? leave() : this.setState({ problem: error.message })),
      );
    },
    render() {
      const { problem } = this.state;
      if (!problem) return h('main', { className: 'gatehouse-door' }, h('p', { role: 'status' }, page.leaving ? 'Signing out …' : 'Opening the content manager …'));
      return h('main', { className: 'gatehouse-door' }, h('p', { role: 'alert' }, problem), h('button', { type: 'button', onClick: this.enter }, 'Try again'));
    },
  });
}
