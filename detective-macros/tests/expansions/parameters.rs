#[investigate]
fn commit(mut self, Json(mut user): Json<User>, (first, _): Pair, Held(ref mut held): Held, _: Permit, _unused: Lock) {
    self.armed = false;
}
