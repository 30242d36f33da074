//! Maps in everything that Rust wraps values in, each of a size of its own; prints the address and
//! the size of each. A map that cannot be reached any more must not be listed.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet, LinkedList, VecDeque};
use std::mem::ManuallyDrop;
use std::rc::{Rc, Weak};
use std::sync::{Arc, Mutex, RwLock};

type Map = HashMap<u32, u32>;

fn map(count: u32) -> Map {
    (0..count).map(|number| (number, number)).collect()
}

fn tell(map: &Map, how: &str) {
    println!("{:p} {} {}", map, map.len(), how);
}

trait Store {
    fn stored(&self) -> &Map;
}

struct Memory {
    #[allow(dead_code)]
    number: u8,
    stored: Map,
}

impl Store for Memory {
    fn stored(&self) -> &Map {
        &self.stored
    }
}

#[derive(Clone)]
struct Disk(Map);

impl Store for Disk {
    fn stored(&self) -> &Map {
        &self.0
    }
}

#[allow(dead_code)]
enum Choice {
    Nothing,
    Number(u64),
    One(Map),
    Boxed { map: Box<Map>, name: String },
}

struct Node {
    map: Map,
    next: Option<Box<Node>>,
}

#[used]
static GUARDED: Mutex<Option<Map>> = Mutex::new(None);
static READ: RwLock<Vec<Map>> = RwLock::new(Vec::new());

thread_local! {
    static OF_THREAD: RefCell<Map> = RefCell::new(map(3));
}

#[cfg(lazy)]
static LAZY: std::sync::LazyLock<Mutex<Map>> = std::sync::LazyLock::new(|| Mutex::new(map(4)));
#[cfg(lazy)]
static UNSTARTED: std::sync::LazyLock<Map> = std::sync::LazyLock::new(|| map(1000));
#[cfg(lazy)]
static ONCE: std::sync::OnceLock<Map> = std::sync::OnceLock::new();

#[cfg(lazy)]
fn tell_lazy() {
    tell(&LAZY.lock().unwrap(), "LazyLock<Mutex>");
    ONCE.set(map(5)).unwrap();
    tell(ONCE.get().unwrap(), "OnceLock");
    if std::env::args().len() > 5 {
        println!("{}", UNSTARTED.len());
    }
}

#[cfg(not(lazy))]
fn tell_lazy() {}

pub struct Held {
    plain: Map,
    boxed: Box<Map>,
    rc: Rc<Map>,
    arc: Arc<RwLock<Map>>,
    weak: Weak<Map>,
    gone: Weak<Map>,
    never: Weak<Map>,
    cell: Cell<Option<Map>>,
    once: RefCell<Map>,
    some: Option<Map>,
    none: Option<Map>,
    nested: Option<Option<Rc<RefCell<Map>>>>,
    fine: Result<Map, String>,
    failed: Result<Map, u8>,
    choices: Vec<Choice>,
    array: [Map; 2],
    slice: Box<[Map]>,
    tuple: (u8, Map),
    queue: VecDeque<Map>,
    list: LinkedList<Map>,
    tree: BTreeMap<u32, Map>,
    stores: Vec<Box<dyn Store>>,
    shared: Rc<dyn Store>,
    in_cell: Rc<RefCell<dyn Store>>,
    by_key: HashMap<String, Map>,
    of_sets: HashMap<u8, HashSet<String>>,
    chain: Option<Box<Node>>,
    manual: ManuallyDrop<Map>,
    pointer: *const Map,
}

#[used]
pub static mut HELD: *const Held = std::ptr::null();

#[no_mangle]
#[inline(never)]
pub extern "C" fn fixture_stop() {
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

fn held() -> Held {
    let rc = Rc::new(map(12));
    let weak = Rc::downgrade(&rc);
    let gone = Rc::downgrade(&Rc::new(map(999)));
    let mut queue: VecDeque<Map> = VecDeque::with_capacity(4);
    for count in 40..46 {
        if queue.len() == 3 {
            queue.pop_front();
        }
        queue.push_back(map(count));
    }
    Held {
        plain: map(10),
        boxed: Box::new(map(11)),
        rc,
        arc: Arc::new(RwLock::new(map(13))),
        weak,
        gone,
        never: Weak::new(),
        cell: Cell::new(Some(map(14))),
        once: RefCell::new(map(15)),
        some: Some(map(16)),
        none: None,
        nested: Some(Some(Rc::new(RefCell::new(map(17))))),
        fine: Ok(map(18)),
        failed: Err(7),
        choices: vec![
            Choice::Nothing,
            Choice::Number(1),
            Choice::One(map(19)),
            Choice::Boxed { map: Box::new(map(20)), name: "boxed".to_string() },
        ],
        array: [map(21), map(22)],
        slice: vec![map(23), map(24)].into_boxed_slice(),
        tuple: (1, map(25)),
        queue,
        list: (26..29).map(map).collect(),
        tree: (0..100).map(|number| (number, map(100 + number))).collect(),
        stores: vec![Box::new(Memory { number: 1, stored: map(29) }), Box::new(Disk(map(30)))],
        shared: Rc::new(Disk(map(31))),
        in_cell: Rc::new(RefCell::new(Memory { number: 2, stored: map(32) })),
        by_key: vec![("a".to_string(), map(33)), ("b c".to_string(), map(34))].into_iter().collect(),
        of_sets: vec![(7, vec!["x".to_string()].into_iter().collect())].into_iter().collect(),
        chain: Some(Box::new(Node {
            map: map(35),
            next: Some(Box::new(Node { map: map(36), next: None })),
        })),
        manual: ManuallyDrop::new(map(37)),
        pointer: Box::into_raw(Box::new(map(38))),
    }
}

impl Held {
    fn tell(&self) {
        tell(&self.plain, "plain");
        tell(&self.boxed, "Box");
        tell(&self.rc, "Rc");
        tell(&self.arc.read().unwrap(), "Arc<RwLock>");
        tell(unsafe { (*self.cell.as_ptr()).as_ref().unwrap() }, "Cell<Option>");
        tell(&self.once.borrow(), "RefCell");
        tell(self.some.as_ref().unwrap(), "Some");
        tell(&self.nested.as_ref().unwrap().as_ref().unwrap().borrow(), "Some(Some(Rc<RefCell>))");
        tell(self.fine.as_ref().unwrap(), "Ok");
        for choice in &self.choices {
            match choice {
                Choice::One(map) => tell(map, "a variant"),
                Choice::Boxed { map, .. } => tell(map, "a variant with a Box"),
                _ => (),
            }
        }
        self.array.iter().for_each(|map| tell(map, "array"));
        self.slice.iter().for_each(|map| tell(map, "Box<[]>"));
        tell(&self.tuple.1, "tuple");
        self.queue.iter().for_each(|map| tell(map, "VecDeque"));
        self.list.iter().for_each(|map| tell(map, "LinkedList"));
        self.tree.values().for_each(|map| tell(map, "BTreeMap"));
        self.stores.iter().for_each(|store| tell(store.stored(), "Box<dyn>"));
        tell(self.shared.stored(), "Rc<dyn>");
        tell(self.in_cell.borrow().stored(), "Rc<RefCell<dyn>>");
        self.by_key.values().for_each(|map| tell(map, "a value of a map"));
        let chain = self.chain.as_ref().unwrap();
        tell(&chain.map, "Box<Node>");
        tell(&chain.next.as_ref().unwrap().map, "Box<Node> of a Box<Node>");
        tell(&self.manual, "ManuallyDrop");
        tell(unsafe { &*self.pointer }, "raw pointer");
        assert!(self.weak.upgrade().is_some() && self.gone.upgrade().is_none());
        assert!(self.never.upgrade().is_none() && self.none.is_none() && self.failed.is_err());
        println!("{:p} {} by_key", &self.by_key, self.by_key.len());
        println!("{:p} {} of_sets", &self.of_sets, self.of_sets.len());
        for set in self.of_sets.values() {
            println!("{:p} {} set", set, set.len());
        }
    }
}

fn main() {
    *GUARDED.lock().unwrap() = Some(map(6));
    tell(GUARDED.lock().unwrap().as_ref().unwrap(), "Mutex<Option>");
    READ.write().unwrap().push(map(7));
    tell(&READ.read().unwrap()[0], "RwLock<Vec>");
    OF_THREAD.with(|map| tell(&map.borrow(), "thread_local"));
    tell_lazy();
    let made = Box::new(held());
    made.tell();
    unsafe { std::ptr::write_volatile(std::ptr::addr_of_mut!(HELD), &*made) };
    let local = map(8);
    tell(&local, "local");
    fixture_stop();
    tell(&local, "local");
    drop(made);
}
